"""The shapes of documents as JSON Schema (OpenAPI 3.1), beside ``documents`` which writes them.

Decides that a shape is closed: a member that stands in no schema is a mistake, found by the test that holds every
answer against it.
"""

from typing import Final

from han_web.api.asked import LONGEST, MAXIMUM_STAGES
from smgw.han.prices import HIGHEST, HIGHEST_BASE, LOWEST
from smgw.han.shown import Resolution, Verdict

Schema = dict[str, object]
INSTANT: Final[Schema] = {"type": "string", "format": "date-time", "examples": ["2026-01-15T12:00:00Z"]}
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}
SCALER: Final[Schema] = {"type": "integer", "description": "The value times ten to the power of this."}
UNIT: Final[Schema] = {"type": "integer", "description": "Unit of IEC 62056-6-2: 30 Wh, 27 W."}


def maybe(schema: Schema) -> Schema:
    """``schema``, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def refer(name: str) -> Schema:
    """A shape by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(description: str, **members: Schema) -> Schema:
    """An object with exactly these members."""
    return {
        "type": "object",
        "description": description,
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def _listed(member: str, name: str, description: str, **more: Schema) -> Schema:
    return closed(description, **{member: many(refer(name))}, **more)


_LOG_MEMBERS: Final = {"next": maybe(NUMBER), "last": COUNT}
_BASE: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": HIGHEST_BASE}
_PRICE: Final[Schema] = {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST}
_STAGE: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": MAXIMUM_STAGES}
_NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST}

SCHEMAS: Final[dict[str, Schema]] = {
    "OpenApi": {"type": "object", "description": "An OpenAPI 3.1 document."},
    "Amount": closed(
        "A value with its unit, as integers and, exactly, as a decimal number in a string.",
        value=NUMBER,
        scaler=SCALER,
        unit=UNIT,
        unit_name=TEXT,
        decimal={"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["1234.5"]},
    ),
    "Power": closed(
        "Power of a meter: as it says itself (`averaged_seconds` 0), or on the average between two readings.",
        meter=TEXT,
        power=refer("Amount"),
        at=INSTANT,
        averaged_seconds=COUNT,
        drawn={"type": "boolean", "description": "False for power that is fed in."},
    ),
    "Compared": closed(
        "The energy of a period so far, and over the same time of the period before; null where nothing was measured.",
        resolution={"type": "string", "enum": [one.value for one in Resolution]},
        begin=INSTANT,
        energy=maybe(refer("Amount")),
        before=maybe(refer("Amount")),
    ),
    "Now": closed(
        "The live figures.",
        at=INSTANT,
        powers=many(refer("Power")),
        drawn=many(refer("Compared")),
        fed_in=maybe(many(refer("Compared"))),
    ),
    "Meter": closed(
        "A meter of yours.",
        meter=TEXT,
        registers=many(TEXT),
        interval_seconds=COUNT,
        store_seconds=COUNT,
        since=INSTANT,
        until=INSTANT,
        last_reading_at=maybe(INSTANT),
        answers=FLAG,
        refusals=many(closed("What was refused since the gateway started.", reason=TEXT, count=COUNT)),
    ),
    "Meters": _listed("meters", "Meter", "Your meters."),
    "Series": closed(
        "A history in columns.",
        meter=TEXT,
        register=TEXT,
        resolution={"type": "string", "enum": [one.value for one in Resolution]},
        unit=UNIT,
        unit_name=TEXT,
        scaler=SCALER,
        bounds={"type": "array", "items": NUMBER, "description": "UTC seconds; one more than there are parts."},
        energies={"type": "array", "items": {"type": ["integer", "null"]}},
        doubtful={"type": "array", "items": COUNT, "description": "Places of parts that no bill may rest on."},
    ),
    "Reading": closed(
        "An original reading.",
        meter=TEXT,
        register=TEXT,
        captured_at=INSTANT,
        amount=refer("Amount"),
        status={"type": "string", "pattern": "^[0-9a-f]{16}$", "description": "Gateway's and meter's status word."},
        status_ptb={"type": "integer", "minimum": 0, "maximum": 4},
        signature={"type": "string", "pattern": "^([0-9a-f]{2})*$"},
        verdict={"type": "string", "enum": [one.value for one in Verdict]},
    ),
    "Readings": _listed("readings", "Reading", "A page of readings.", next=maybe(INSTANT)),
    "Contract": closed(
        "An evaluation profile that concerns you.",
        contract=TEXT,
        version=COUNT,
        party=TEXT,
        party_name=TEXT,
        use_case=TEXT,
        purpose=TEXT,
        meters=many(TEXT),
        others=FLAG,
        registers=many(TEXT),
        subtracted=many(TEXT),
        period_seconds=COUNT,
        dispatch_seconds=COUNT,
        billing_count=COUNT,
        billing_unit=TEXT,
        pseudonym=FLAG,
        stored=FLAG,
        since=INSTANT,
        until=INSTANT,
        rule=TEXT,
        stages=many(closed("A tariff stage.", stage=COUNT, register=TEXT)),
        switches=many(
            closed("A kind of day.", day=TEXT, at=many(closed("A switch.", minute=COUNT, stage=COUNT))),
        ),
    ),
    "Contracts": _listed("contracts", "Contract", "Your contracts."),
    "Stage": closed(
        "A tariff stage in a billing period.",
        stage=COUNT,
        register=TEXT,
        amount=refer("Amount"),
        cost_microeuro=maybe(NUMBER),
    ),
    "BillingPeriod": closed(
        "A billing period; money in millionths of a euro, null without a price of yours.",
        begin=INSTANT,
        end=INSTANT,
        until=INSTANT,
        stages=many(refer("Stage")),
        total=refer("Amount"),
        base_microeuro=maybe(NUMBER),
        cost_microeuro=maybe(NUMBER),
        refused=TEXT,
    ),
    "BillingPeriods": _listed("billing_periods", "BillingPeriod", "Billing periods, newest first."),
    "Prices": closed(
        "Prices of a contract from a moment on, in hundredths of a cent; stage 0 stands for all of them.",
        contract=_NAME,
        since=INSTANT,
        base_per_month=_BASE,
        per_kilowatt_hour={
            "type": "array",
            "maxItems": MAXIMUM_STAGES,
            "items": closed("A price.", stage=_STAGE, price=_PRICE),
        },
    ),
    "PriceList": _listed("prices", "Prices", "Your prices."),
    "Transmission": closed(
        "A delivery to a party.",
        contract=TEXT,
        party=TEXT,
        party_name=TEXT,
        sequence=COUNT,
        created_at=INSTANT,
        acknowledged_at=maybe(INSTANT),
        set_aside_at=maybe(INSTANT),
        reason=TEXT,
        values=COUNT,
        period_begin=maybe(INSTANT),
        period_end=maybe(INSTANT),
    ),
    "Transmissions": _listed("transmissions", "Transmission", "A page of deliveries.", next=maybe(TEXT)),
    "LogEntry": closed(
        "An entry of a log.",
        record_number=COUNT,
        at=INSTANT,
        event=TEXT,
        event_id=COUNT,
        event_sub_id=COUNT,
        vendor=TEXT,
        level={"type": "string", "enum": ["info", "warning", "error", "fatal", "extension"]},
        outcome={"type": "string", "enum": ["success", "failure", "extension"]},
        subject=TEXT,
        user=TEXT,
        text=TEXT,
    ),
    "Log": _listed("entries", "LogEntry", "A page of a log.", **_LOG_MEMBERS),
    "Integrity": closed("Whether the chain of a log holds; what is wrong, or nothing.", whole=FLAG, cause=TEXT),
    "Status": closed(
        "How the gateway is.",
        gateway=TEXT,
        version=TEXT,
        program_sha256=TEXT,
        started_at=INSTANT,
        state=TEXT,
        conditions=many(closed("What is wrong.", condition=TEXT, since=INSTANT)),
        time_valid=FLAG,
        time_compared_at=maybe(INSTANT),
        firewall=TEXT,
        certificate_until=INSTANT,
        quality_seal=FLAG,
    ),
    "SelfTest": closed(
        "What the gateway found out about itself.",
        passed=FLAG,
        checks=many(closed("A check.", name=TEXT, passed=FLAG)),
    ),
    "Problem": {
        "type": "object",
        "description": "Why a question is not answered, and what to do next (RFC 9457).",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": TEXT,
            "status": NUMBER,
            "detail": TEXT,
            "reason": TEXT,
            "parameter": TEXT,
            "cause": TEXT,
            "until": INSTANT,
        },
        "required": ["type", "title", "status"],
        "additionalProperties": False,
    },
}
