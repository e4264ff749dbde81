"""The roots that the contenders trust: all roots of the machine, as on Lambda, and one root that exists for one run."""

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The bundles of Debian and Amazon Linux.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
# The bundle in the packages.
AMAZON = Path(__file__).resolve().parents[3] / "infra" / "amazon-roots.pem"
BEGIN = "-----BEGIN CERTIFICATE-----"


class Trust:
    """A bundle of roots (`bundle`; `roots` is their number), a bundle of Amazon's roots alone (`amazon`), and the TLS context of a
    server that both bundles trust (`server`)."""

    def __init__(self, folder):
        system = next((Path(path) for path in BUNDLES if Path(path).exists()), None)
        if system is None:
            raise SystemExit(f"none of {', '.join(BUNDLES)} exists: install the package ca-certificates")
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = certificate("root of a bench", root_key, "root of a bench", root_key, authority=True)
        leaf = certificate("localhost", key, "root of a bench", root_key, authority=False)
        self.bundle = folder / "roots.pem"
        self.bundle.write_text(system.read_text() + pem(root))
        self.roots = self.bundle.read_text().count(BEGIN)
        self.amazon = folder / "amazon.pem"
        self.amazon.write_text(AMAZON.read_text() + pem(root))
        server = folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        server.write_text(private.decode() + pem(leaf))
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(server)
        self.server.set_alpn_protocols(["http/1.1"])


def pem(it):
    return it.public_bytes(serialization.Encoding.PEM).decode()


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, authority):
    """A certificate that is valid for a day, and since an hour ago, because clocks differ."""
    now = datetime.datetime.now(datetime.timezone.utc)
    usage = {"digital_signature": not authority, "key_cert_sign": authority, "crl_sign": authority}
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage, **dict.fromkeys(others, False)), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not authority:
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
