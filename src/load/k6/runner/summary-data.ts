/** What `handleSummary(data)` gets: the shape of k6. */
export interface SummaryData {
  readonly metrics: Readonly<Record<string, SummaryMetric>>
  readonly root_group: SummaryGroup
  readonly options: Readonly<Record<string, unknown>>
  readonly state: Readonly<Record<string, unknown>>
  readonly setup_data?: unknown
}

export interface SummaryMetric {
  readonly type: string
  readonly contains: string
  readonly values: Readonly<Record<string, number>>
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>
}

export interface SummaryGroup {
  readonly name: string
  readonly path: string
  readonly id: string
  readonly groups: SummaryGroup[]
  readonly checks: SummaryCheck[]
}

export interface SummaryCheck {
  readonly name: string
  readonly path: string
  readonly id: string
  readonly passes: number
  readonly fails: number
}

/** All checks of a group and of the groups in it. */
export function allChecks(group: SummaryGroup): readonly SummaryCheck[] {
  return [...group.checks, ...group.groups.flatMap(allChecks)]
}
