import tls from 'node:tls'

/**
 * Makes every connection of this process trust a root beside those that it trusts anyway, as a person does who
 * has installed it. Certificates are checked like any other's.
 * @param root PEM
 */
export function trustRoot(root: string): void {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), root])
}
