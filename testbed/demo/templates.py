"""What the machines of the scene are told: configurations of gateway, administrator, datacenters and meters."""

GATEWAY = """\
[gateway]
id = "{id}"

[token]
module = "{module}"
configuration = "softhsm2.conf"
label = "{id}"
pin_file = "pin"

[store]
folder = "store"

[trust]
folder = "trust"
certificates = "certificates"
administrator = "administrator.pem"

[administrator]
profile = "administrator.cms"

[wake_up]
host = "127.0.0.1"
port = {wake_up}

[wan]
tunnel = "stunnel"

"""
PAGE = """\
# The page for consumers. On a real gateway its address is one of the home area network, and its port 443.
[han]
addresses = ["127.0.0.1"]
port = {page}

"""
LINE = """\
[[lines]]
name = "{name}"
port = "{port}"
speed = {speed}
framing = "8N1-software-parity"
echo = {echo}

"""
ADMINISTRATOR = """\
[administrator]
name = "{name}"

[token]
module = "{module}"
configuration = "softhsm2.conf"
label = "{name}"
pin_file = "pin"

[trust]
folder = "trust"

[keys]
tls_certificate = "certificates/TLS.pem"
tls_key = "certificates/TLS.key"
signature_certificate = "certificates/SIG.pem"

[database]
file = "admin.db"

[management]
host = "127.0.0.1"
port = {management}

[service]
host = "127.0.0.1"
port = {service}

# A gateway that is just ending a tunnel hears no call: here it is called again sooner than over a slow network.
[wake_up]
resend_seconds = 2
timeout_seconds = 60

# The sub-CA is on this machine, so that a gateway gets its own certificates in one command.
[authority]
folder = "../pki"
pin_file = "../pki.pin"
module = "{module}"
"""
DATACENTER = """\
[datacenter]
name = "{name}"

[listen]
host = "127.0.0.1"
port = {port}

[database]
url = "sqlite:///datacenter.db"

[trust]
folder = "trust"

[keys]
tls_certificate = "TLS.pem"
tls_key = "TLS.key"
encryption_certificate = "ENC.pem"
encryption_key = "ENC.key"

[gateways]
folder = "gateways"
"""
METER = """
[[meters]]
serial = "{serial}"
address = "{address}"
top_speed = {top_speed}
annual_watt_hours = {energy}
seed = {seed}
load = "{load}"
"""
