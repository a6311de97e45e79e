"""Certificates, revocation lists and the state of an authority as text for people; nothing is decided here."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509

from pki.certificates import elliptic_key, fingerprint, load_certificate
from pki.checks import UNREADABLE, is_seal, purpose_of
from pki.errors import CertificateError, CertificateReason, IssueError, IssueReason
from pki.profiles import END_ROLES, KEY_USAGES, read_subject
from pki.store import Store


def show(path: Path) -> str:
    """Text for the certificate or revocation list in a file, a trust folder, or the state folder of an authority.

    Raises:
        IssueError: STATE where the path holds none of these; CertificateError: MALFORMED.
    """
    if path.is_dir() and (path / "index.json").exists():
        return "\n".join(_authority(Store(path)))
    if path.is_dir():
        parts = [show(part) for part in sorted([*path.glob("*.pem"), *path.glob("*.crl")])]
        if not parts:
            raise IssueError(IssueReason.STATE, f"{path} holds neither certificates (*.pem) nor lists (*.crl)")
        return "\n\n".join(parts)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IssueError(IssueReason.STATE, f"{path} cannot be read: {error.strerror}") from error
    try:
        if b"X509 CRL" in data:
            return "\n".join(_list(x509.load_pem_x509_crl(data)))
        return "\n".join(_certificate(load_certificate(data)))
    except UNREADABLE as error:
        raise CertificateError(CertificateReason.MALFORMED, f"{path} cannot be read: {error}") from error


def _certificate(certificate: x509.Certificate) -> Iterator[str]:
    yield f"Certificate  {certificate.subject.rfc4514_string()}"
    try:
        subject = read_subject(certificate.subject)
        purpose = f", for {purpose_of(certificate)}" if subject.role in END_ROLES else ""
        seal = ", quality seal" if is_seal(certificate) else ""
        yield f"  holder     {subject.identity} ({subject.role}{purpose}{seal})"
    except CertificateError as error:
        yield f"  holder     not of the SM-PKI: {error}"
    yield f"  issuer     {certificate.issuer.rfc4514_string()}"
    yield f"  serial     {certificate.serial_number:x}"
    yield f"  valid      {_time(certificate.not_valid_before_utc)} to {_time(certificate.not_valid_after_utc)}"
    hashed = certificate.signature_hash_algorithm
    yield f"  key        {elliptic_key(certificate).curve.name}, signed with {hashed.name if hashed else 'unknown'}"
    for extension in certificate.extensions:
        kind = type(extension.value).__name__
        yield f"  {'!' if extension.critical else '-'} {kind}: {_extension(extension.value)}"
    yield f"  fingerprint {fingerprint(certificate)}"


def _extension(value: x509.ExtensionType) -> str:
    match value:
        case x509.KeyUsage():
            return ", ".join(name.replace("_", " ") for name in KEY_USAGES if getattr(value, name))
        case x509.ExtendedKeyUsage():
            return ", ".join(usage.dotted_string for usage in value)
        case x509.BasicConstraints():
            return f"CA, path length {value.path_length}" if value.ca else "no CA"
        case x509.SubjectKeyIdentifier():
            return value.digest.hex()
        case x509.AuthorityKeyIdentifier():
            return (value.key_identifier or b"").hex()
        case x509.SubjectAlternativeName() | x509.IssuerAlternativeName():
            return ", ".join(str(name.value) for name in value)
        case x509.CertificatePolicies():
            return ", ".join(policy.policy_identifier.dotted_string for policy in value)
        case x509.CRLDistributionPoints():
            return ", ".join(str(name.value) for point in value for name in point.full_name or ())
        case x509.PrivateKeyUsagePeriod():
            return f"{value.not_before} to {value.not_after}"
    return repr(value)


def _list(crl: x509.CertificateRevocationList) -> Iterator[str]:
    yield f"Revocation list of {crl.issuer.rfc4514_string()}"
    numbers = [
        extension.value.crl_number for extension in crl.extensions if isinstance(extension.value, x509.CRLNumber)
    ]
    yield f"  number     {numbers[0] if numbers else 'none'}"
    following = _time(crl.next_update_utc) if crl.next_update_utc else "never: not acceptable"
    yield f"  current    {_time(crl.last_update_utc)} to {following}"
    yield f"  revoked    {len(crl)}"
    for entry in crl:
        reasons = [extension.value for extension in entry.extensions if isinstance(extension.value, x509.CRLReason)]
        reason = reasons[0].reason.value if reasons else "unspecified"
        yield f"    {entry.serial_number:x}  {_time(entry.revocation_date_utc)}  {reason}"


def _authority(store: Store) -> Iterator[str]:
    index = store.read()
    plan = store.plan
    yield f"Certification authority in {store.folder}"
    yield f"{plan.root.name}.CA ({plan.root.curve}), list number {index.root_crl}"
    yield f"  {plan.sub_ca.name}.CA ({plan.sub_ca.curve}), list number {index.sub_ca_crl}"
    if plan.seal_ca is not None:
        yield f"  {plan.seal_ca.name}.CA ({plan.seal_ca.curve}), list number {index.seal_ca_crl}, for quality seals"
    for entry in index.entries:
        state = f"revoked {entry.revoked} ({entry.reason})" if entry.revoked else f"until {entry.not_after}"
        holder = f"{entry.name}.{entry.role}" if entry.purpose else f"{entry.name}.CA"
        seal = " quality seal" if entry.seal else ""
        yield f"    {holder} {entry.purpose}{seal} generation {entry.generation}  {entry.serial}  {state}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
