package igsendtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// A TLSFault is a problem with every TLS handshake of a server.
type TLSFault int

const (
	// ExpiredCertificate: the certificate expired yesterday.
	ExpiredCertificate TLSFault = iota + 1
	// WrongHost: the certificate is for another host.
	WrongHost
	// HandshakeCloses: the connection is closed in the middle of the handshake.
	HandshakeCloses
	// HandshakeHangs: the handshake hangs until the server is closed.
	HandshakeHangs
)

// A certificate is the server's self-signed certificate.
type certificate struct {
	pem []byte
	tls tls.Certificate
}

// newTLS creates a certificate and a server configuration that uses it.
func newTLS(faults []TLSFault) (*certificate, *tls.Config) {
	cert, err := newCertificate(slices.Contains(faults, ExpiredCertificate), slices.Contains(faults, WrongHost))
	if err != nil {
		panic(fmt.Sprintf("igsendtest: creating a certificate: %v", err))
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert.tls}, MinVersion: tls.VersionTLS12}
	switch {
	case slices.Contains(faults, HandshakeCloses):
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			closeQuietly(hello.Conn)
			return nil, errors.New("closed on purpose")
		}
	case slices.Contains(faults, HandshakeHangs):
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			<-hello.Context().Done()
			return nil, hello.Context().Err()
		}
	}
	return cert, config
}

func newCertificate(expired, wrongHost bool) (*certificate, error) {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "simulated IGSend API"},
		NotBefore:             now.Add(-48 * time.Hour),
		NotAfter:              now.Add(365 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if expired {
		template.NotAfter = now.Add(-24 * time.Hour)
	}
	if wrongHost {
		template.DNSNames, template.IPAddresses = []string{"elsewhere.example"}, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &certificate{
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		tls: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}, nil
}
