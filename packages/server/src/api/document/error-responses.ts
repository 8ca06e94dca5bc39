import { ERROR_TABLE, type ErrorBody, type ErrorReason } from '@berth/contract/api-error'

export type ErrorStatus = (typeof ERROR_TABLE)[ErrorReason]

interface ErrorResponse {
  /** Its name among the document's components. */
  readonly name: string
  readonly description: string
  readonly examples: Readonly<Record<string, ErrorBody>>
}

function example(reason: ErrorReason, message: string, field?: string): ErrorBody {
  const sentences = { message, internal: message, external: message }
  return { code: ERROR_TABLE[reason], reason, ...sentences, ...(field === undefined ? {} : { field }) }
}

/** Every error answer as the OpenAPI document describes it. */
export const ERROR_RESPONSES: Readonly<Record<ErrorStatus, ErrorResponse>> = {
  400: {
    name: 'BadRequest',
    description: 'The request is wrong: the message names the field and the fix',
    examples: {
      field: example('BadRequest', 'spec.variables[0].value: must be string.', 'spec.variables[0].value'),
      parameter: example('BadRequest', 'order: must be ASC or DESC.', 'order'),
    },
  },
  401: {
    name: 'Unauthorized',
    description: 'No API key, or not a valid one',
    examples: {
      missing: example('Unauthorized', 'An API key is required: send it in the x-api-key header.'),
    },
  },
  403: {
    name: 'Forbidden',
    description: 'The API key may not do this',
    examples: { reader: example('Forbidden', 'This API key may read only.') },
  },
  404: {
    name: 'NotFound',
    description: 'No such object',
    examples: {
      instance: example('NotFound', 'Compute instance "vm-test-api-4" not found in workspace "dev1".'),
    },
  },
  408: {
    name: 'RequestTimeout',
    description: 'The request did not arrive in time',
    examples: { slow: example('RequestTimeout', 'The request took too long to arrive.') },
  },
  409: {
    name: 'Conflict',
    description: 'The state of the object does not allow this',
    examples: {
      exists: example('AlreadyExists', 'Workspace "dev1" already exists.'),
      state: example(
        'Conflict',
        'Compute instance "vm-test-api-4" is being deleted. Apply it again once it is gone.',
      ),
    },
  },
  413: {
    name: 'PayloadTooLarge',
    description: 'The body is too large',
    examples: { size: example('PayloadTooLarge', 'body: must be at most 256 KiB.') },
  },
  415: {
    name: 'UnsupportedMediaType',
    description: 'The body is not JSON in UTF-8',
    examples: {
      yaml: example(
        'UnsupportedMediaType',
        'Content-Type: send JSON in UTF-8 as "application/json".',
        'Content-Type',
      ),
    },
  },
  431: {
    name: 'RequestHeaderFieldsTooLarge',
    description: 'The headers are too large',
    examples: { size: example('RequestHeaderFieldsTooLarge', 'The headers are too large.') },
  },
  500: {
    name: 'InternalError',
    description: 'Something went wrong inside Berth; the request id leads to its log entry',
    examples: {
      inside: example(
        'InternalError',
        'Something went wrong inside Berth. The request id leads to its log entry.',
      ),
    },
  },
}
