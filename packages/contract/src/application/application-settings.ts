/** A file that the application finds in its container. */
export interface ApplicationFile {
  /** Absolute path inside the container. */
  readonly path: string
  readonly content: string
}

/** A directory of the container that outlives it, on the machine's own disk. */
export interface ApplicationVolume {
  /** Names the volume in the guest: lower-case letters, digits and dashes. */
  readonly name: string
  /** Absolute path inside the container. */
  readonly path: string
}

/** One key of a service's output. */
export interface ApplicationOutput {
  readonly key: string
  /** `url`: where the application answers, with `path` behind it. `text`: `value` as it is. */
  readonly kind: 'url' | 'text'
  readonly path?: string
  readonly value?: string
  /** Whether only who may write the service reads it in the clear. */
  readonly secret: boolean
}

/** What a service's variables ask of the application on its machine; secrets are in the clear. */
export interface ApplicationSettings {
  /** False: the machine without the application, since its user said so. */
  readonly enabled: boolean
  /** The container image with registry and tag or digest, such as `docker.io/vllm/vllm-openai:v0.7.3`. */
  readonly image: string
  /** Words that follow the image's entry point. */
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The environment that reaches the guest in a file that only root reads. */
  readonly secretEnvironment: Readonly<Record<string, string>>
  readonly files: readonly ApplicationFile[]
  readonly volumes: readonly ApplicationVolume[]
  /** Whether the machine's GPUs go into the container. */
  readonly gpus: boolean
  /** Where the application listens inside the guest. */
  readonly containerPort: number
  /** Where the guest answers for it. */
  readonly port: number
  /** Whether it answers with a certificate of this installation's authority. */
  readonly tls: boolean
  /** A name that the certificate holds besides the address; "" for none. */
  readonly hostname: string
  readonly health: {
    /** A path that answers without credentials, or refuses them, once the application is up. */
    readonly path: string
    /** HTTP statuses that mean it is up. */
    readonly statuses: readonly number[]
    /** Seconds that a first start may take. */
    readonly timeoutSeconds: number
  }
  readonly outputs: readonly ApplicationOutput[]
  /** Values that were made up because their user gave none, by the configuration's member. */
  readonly generated: Readonly<Record<string, string>>
}
