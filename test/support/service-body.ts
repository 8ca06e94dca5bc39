interface Named {
  readonly name: string
  readonly value?: string
}

/** An apply body of a service as the guide prints it. */
export function serviceBody(name: string, profile: string, variables: readonly Named[]) {
  return {
    apiVersion: 'paas.envmgmt.io/v1',
    kind: 'Service',
    metadata: { name, workspace: 'default', project: 'defaultproject' },
    spec: { serviceProfile: { name: profile, systemCatalog: true }, variables },
  }
}
