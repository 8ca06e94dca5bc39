/** The API group and version of every object (guide, "Request Body"). */
export const API_VERSION = 'paas.envmgmt.io/v1'

/** The path under which the group is served; a project's name follows it. */
export const PROJECTS_PATH = `/apis/${API_VERSION}/projects`
