package netio

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// encryptedKeys were made by openssl ecparam -name prime256v1 -genkey and openssl
// pkcs8 -topk8 -v2 CIPHER -v2prf HASH, with the pass phrase 1234.
var encryptedKeys = map[string]string{
	"aes256 hmacWithSHA256": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAisfjmNskTvjwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEASaa+yNm8+U6SQKdEqahLwEgZB+
1n4A1Zv2hA4margKZWujLH9KkMMkVznpgJXQUOm/dvcflzwATilXKwWIrKkJV6rW
Vc8wNOKm+R0FZgQeRJanzYHvbKXpiVhUbC1BtQ1b0qKy9p9nvHMpHYS08m2vb9In
vJtgRyYDXKKkNwKkWmle9vSGa99HtlXe9ZzKLUYwbzKoGe/HIWzZfuP4dwbq+hQ=
-----END ENCRYPTED PRIVATE KEY-----
`,
	"aes128 hmacWithSHA1": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHeMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAhizRtqzVWo0gICCAAw
HQYJYIZIAWUDBAECBBBRJeHgiwzGKxcfrUtrDeelBIGQQ7zeoZrRUTN0HKeRdddY
Eot7rHreyAqofB8FKfEC+eC/kXhHKYy4SEh+GSRhoKHgr7wIqKw1g9d/IVouNAWm
H4/vgTMNKT3B081oWkkDFZpzTAdcAKgKj01/OnxcwuYUkS1PCeYm5ggRGdKxt295
54wxpOvRp/6ECfBGSAOzEUcAPf0mX9Z2sRsVNLVYbOHi
-----END ENCRYPTED PRIVATE KEY-----
`,
	"aes192 hmacWithSHA512": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhiKeJ5dO1NLAICCAAw
DAYIKoZIhvcNAgsFADAdBglghkgBZQMEARYEEIJ/1EN1Zra35K7q4sN7saUEgZBs
uk6BbZjOuM3rIvePMUPh/jVaH3sI/UW2LAbJDTlqs+MATheGArHFqPZOKV3p3CSD
8HcDI4Snd8MDGlQfg3PbwdorxqOM2xmMt+t4qmneoatD87yWd44UK4rBuG+x1VSH
Mz0j8nD/0VyYdHCptRlaJ1g9OIKWAdzLE3QQDB4cJAYEN7mBPpNE/PFhe2ssvuY=
-----END ENCRYPTED PRIVATE KEY-----
`,
	"des3 hmacWithSHA256": `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAh11/bSAhZ+wAICCAAw
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIFN2uGJ6erz4EgZCEAuPR0Ru8WJ8t
LD/HYHmudF57rO+0MssRXwgV3xNMEwYszeQe+XYO6y6r823lnpWmOgtsd5ZTj4nD
Soea3t3kjR6ACstxqmJyWMnFVyB+abnW8tKyw7T+huivBfJ0YWckTtbSNoYqiryY
SmDNRuAE0EXD0O/VJE/Hk44/PhyNNzcXwdD3fCifSvQyprNlCNk=
-----END ENCRYPTED PRIVATE KEY-----
`,
}

func TestKeysUnderAPassPhrase(t *testing.T) {
	for name, text := range encryptedKeys {
		plain, err := decrypt([]byte(text), "1234")
		if strings.HasPrefix(name, "des3") {
			if err == nil || !strings.Contains(err.Error(), "openssl pkcs8 -topk8 -v2 aes256") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		block, _ := pem.Decode(plain)
		if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// One wrong phrase in 256 passes for the right one until the key is parsed.
		if plain, err := decrypt([]byte(text), "12345"); err == nil {
			block, _ := pem.Decode(plain)
			if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				t.Errorf("%s: a wrong pass phrase opens it", name)
			}
		}
		block, _ = pem.Decode([]byte(text))
		for n := range block.Bytes {
			if _, err := decryptPKCS8(block.Bytes[:n], "1234"); err == nil {
				t.Fatalf("%s: cut at %d it is still a key", name, n)
			}
		}
	}
}
