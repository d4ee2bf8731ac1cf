/** A certificate for localhost that vouches for itself, and its key: for tests, trusted by nobody who is not told to. */
export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSLvOGE1yBaMzlOy2
wdakn50h1vWhuFZOSRVKnMpVKbOhRANCAARxBI3YWfdj4wKYtlZUgVjjf//zP3JA
J+/BIJNDnezSusvEKSpjzbZDEsVxifhIpGzlph81gwrJo1aOGJS2rJIP
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUQxuOncho0zWdPETsVTar7EADhkQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzAzMjIxOFoYDzIxMjYxMDMw
MDMyMjE4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARxBI3YWfdj4wKYtlZUgVjjf//zP3JAJ+/BIJNDnezSusvEKSpjzbZD
EsVxifhIpGzlph81gwrJo1aOGJS2rJIPo28wbTAdBgNVHQ4EFgQUTaoj9KBUR5hy
mNoqAx/eH8ZvglcwHwYDVR0jBBgwFoAUTaoj9KBUR5hymNoqAx/eH8ZvglcwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgZ6QBGvWt7JQxfNBg3hZvfsiE29556Z0RtDus4sNPhBQCIQCj
5ZcJsGrtxqCrrC2AfCgvf5jrRYQlu+BIio8gYhmJew==
-----END CERTIFICATE-----
`,
}
