import { log } from '../log.ts'
import { exitCodes, Stop } from '../stop.ts'
import { elapsedMs } from '../test.ts'
import type { ScenarioOfUser, VirtualUser } from '../vu.ts'

/** `k6/execution`: where in the run the script is, and how to end it. */
export function executionModule(user: VirtualUser): object {
  return {
    scenario: scenarioInfo(user),
    vu: userInfo(user),
    instance: instanceInfo(user),
    test: testControl(user),
  }
}

function scenarioInfo(user: VirtualUser): object {
  const here = (): ScenarioOfUser => {
    if (user.scenario !== undefined) return user.scenario
    throw new Error('getting scenario information outside of the VU context is not supported')
  }
  return {
    get name() {
      return here().name
    },
    get executor() {
      return here().executor
    },
    get startTime() {
      return here().startedAt
    },
    get progress() {
      return here().progress()
    },
    get iterationInInstance() {
      return here().iterationInTest
    },
    get iterationInTest() {
      return here().iterationInTest
    },
  }
}

function userInfo(user: VirtualUser): object {
  return {
    idInInstance: user.id,
    idInTest: user.id,
    get iterationInInstance() {
      return user.iteration ?? 0
    },
    get iterationInScenario() {
      return user.scenario?.iterationInScenario.get(user.scenario.name) ?? 0
    },
    get tags() {
      return user.tags
    },
    metrics: {
      get tags() {
        return user.tags
      },
    },
  }
}

function instanceInfo({ test }: VirtualUser): object {
  return {
    get currentTestRunDuration() {
      return elapsedMs(test)
    },
    get iterationsCompleted() {
      return test.counts.completed
    },
    get iterationsInterrupted() {
      return test.counts.interrupted
    },
    get vusActive() {
      return test.counts.activeVUs
    },
    get vusInitialized() {
      return test.counts.initializedVUs
    },
  }
}

function testControl(user: VirtualUser): object {
  const { test } = user
  return {
    /** As in k6, the iteration that aborts the test is a complete one. */
    abort(reason?: string): never {
      const stop = new Stop(
        exitCodes.scriptAborted,
        reason === undefined ? 'test aborted' : `test aborted: ${reason}`,
      )
      user.task?.finish({ kind: 'failed', error: stop, rejected: false })
      test.stop(stop)
      throw stop
    },
    fail(reason?: string): void {
      log('error', reason === undefined ? 'test marked as failed' : `test marked as failed: ${reason}`)
      test.markedAsFailed = true
    },
    get options() {
      return test.options?.exported ?? {}
    },
  }
}
