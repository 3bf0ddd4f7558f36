import process from 'node:process'

/** Whether this Node has JSPI, by which calls of a script block. */
export function canBlock(): boolean {
  return 'Suspending' in WebAssembly && 'promising' in WebAssembly
}

const firstWithFlag = 24

/** Node 24 has it behind a flag of V8 before 24.21, and Node 22 not at all. */
export const JSPI_FLAGS: readonly string[] =
  canBlock() || Number(process.versions.node.split('.')[0]) < firstWithFlag
    ? []
    : ['--experimental-wasm-jspi']
