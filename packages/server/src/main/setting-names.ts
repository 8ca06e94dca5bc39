/** `guestNetwork` is BERTH_GUEST_NETWORK. */
export function variableOf(name: string): string {
  return `BERTH_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** `guestNetwork` is --guest-network. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
