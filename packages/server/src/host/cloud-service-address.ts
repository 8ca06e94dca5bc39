/**
 * Where Azure answers its virtual machines (WireServer, Azure Instance Metadata's sibling): by its number a public
 * address, by its meaning the same as the link-local address of other clouds' metadata services.
 */
export const AZURE_WIRE_SERVER = '168.63.129.16'
