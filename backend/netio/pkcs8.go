package netio

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// What a private key under a pass phrase looks like (RFC 5958, EncryptedPrivateKeyInfo;
// RFC 8018, PBES2 with PBKDF2): the form that OpenSSL writes.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2 struct {
		Derive, Encrypt pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt   []byte
		Rounds int
		Length int                      `asn1:"optional"`
		Hash   pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	// keyHashes are the hash functions by the last number of 1.2.840.113549.2.
	keyHashes = map[int]func() hash.Hash{7: sha1.New, 8: sha256.New224, 9: sha256.New, 10: sha512.New384, 11: sha512.New}
	oidHashes = asn1.ObjectIdentifier{1, 2, 840, 113549, 2}

	// keySizes are AES in CBC mode by the last number of 2.16.840.1.101.3.4.1.
	keySizes  = map[int]int{2: 16, 22: 24, 42: 32}
	oidAESCBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1}
)

// maxRounds bounds the work that a file may ask for; OpenSSL's default is 2048.
const maxRounds = 10_000_000

var errPassPhrase = errors.New("the pass phrase is wrong, or the file is damaged")

// decryptPKCS8 opens the contents of an ENCRYPTED PRIVATE KEY and returns those of
// a PRIVATE KEY.
func decryptPKCS8(der []byte, pass string) ([]byte, error) {
	var key encryptedKey
	var how pbes2
	var derive pbkdf2Params
	if err := unmarshal(der, &key); err != nil {
		return nil, err
	}
	if !key.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("encrypted by %v, which is not PBES2: convert it with openssl pkcs8 -topk8 -v2 aes256", key.Algorithm.Algorithm)
	}
	if err := unmarshal(key.Algorithm.Parameters.FullBytes, &how); err != nil {
		return nil, err
	}
	if !how.Derive.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("its pass phrase is used by %v, which is not PBKDF2: convert it with openssl pkcs8 -topk8 -v2 aes256", how.Derive.Algorithm)
	}
	if err := unmarshal(how.Derive.Parameters.FullBytes, &derive); err != nil {
		return nil, err
	}
	sum, size := sha1.New, keySizes[under(oidAESCBC, how.Encrypt.Algorithm)]
	if len(derive.Hash.Algorithm) > 0 {
		sum = keyHashes[under(oidHashes, derive.Hash.Algorithm)]
	}
	if sum == nil || size == 0 {
		return nil, fmt.Errorf("encrypted by %v with %v, which are not AES-CBC and SHA: convert it with openssl pkcs8 -topk8 -v2 aes256",
			how.Encrypt.Algorithm, derive.Hash.Algorithm)
	}
	if derive.Rounds < 1 || derive.Rounds > maxRounds {
		return nil, fmt.Errorf("%d rounds of PBKDF2: 1 to %d are possible", derive.Rounds, maxRounds)
	}
	var iv []byte
	if err := unmarshal(how.Encrypt.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	secret, err := pbkdf2.Key(sum, pass, derive.Salt, derive.Rounds, size)
	if err != nil {
		return nil, err
	}
	return decryptCBC(secret, iv, key.Data)
}

// decryptCBC takes off the padding too (RFC 8018, B.2.5), by which a wrong pass
// phrase is nearly always found.
func decryptCBC(secret, iv, data []byte) ([]byte, error) {
	if len(iv) != aes.BlockSize || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errPassPhrase
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, errPassPhrase
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, errPassPhrase
		}
	}
	return plain[:len(plain)-pad], nil
}

// under is the number that id adds to base, −1 when it does not.
func under(base, id asn1.ObjectIdentifier) int {
	if len(id) != len(base)+1 || !id[:len(base)].Equal(base) {
		return -1
	}
	return id[len(base)]
}

func unmarshal(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes behind the key")
	}
	return err
}
