/** The public key of every simulated guest's web server; nobody has kept its private half. */
export const SIMULATED_PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7NwvbQ56xXfXISnQ/1Kayf36eGYy
PNcT5d1Td3vzfDaz6GkAhCNoNoIerW6KVWBGQbFIOundseqxHKhEIVpjMg==
-----END PUBLIC KEY-----
`
