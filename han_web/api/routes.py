"""The table of questions that a program may ask; paths, parameters, roles and answers stand here and nowhere else.

Decides what exists under ``/api/v1``: the application is built from this table and so is the OpenAPI document, so that
what is described is what is served. Who may ask what is decided by the port (FDP_ACF.1); the role of a route only says
whose view it asks.
"""

from dataclasses import dataclass
from typing import Final

from smgw.han.port import ExportForm
from smgw.han.shown import Resolution
from smgw.logs.readers import Role

PREFIX: Final = "/api/v1"
READINGS_PAGE: Final = 1000
BILLED_PAGE: Final = 36
TRANSMISSIONS_PAGE: Final = 200
LOG_PAGE: Final = 500
MAXIMUM_NUMBER: Final = 2**53 - 1
"""What every JSON parser reads exactly."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an address; ``schema`` as in OpenAPI."""

    name: str
    description: str
    schema: dict[str, object]
    required: bool = False
    in_path: bool = False
    example: object = None


@dataclass(frozen=True, slots=True)
class Route:
    """One question."""

    name: str
    method: str
    path: str
    """With ``{parameters}``."""
    role: Role | None
    """None for what anybody may know."""
    summary: str
    description: str
    answer: str
    """Name of the schema of the answer; empty for no content, ``file`` for a file."""
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    """Name of the schema of the body."""
    refusals: tuple[str, ...] = ()
    """Keys of PROBLEMS beyond those that every question may meet."""

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return PREFIX + self.path.replace("{", "<").replace("}", ">")


def _name(name: str, description: str, example: str, *, required: bool = True, in_path: bool = False) -> Parameter:
    schema: dict[str, object] = {"type": "string", "minLength": 1 if in_path else 0, "maxLength": 128}
    return Parameter(name, description, schema, required=required, in_path=in_path, example=example)


def _instant(name: str, description: str, example: str, *, required: bool = True) -> Parameter:
    return Parameter(name, description, {"type": "string", "format": "date-time"}, required=required, example=example)


def _limit(most: int) -> Parameter:
    schema: dict[str, object] = {"type": "integer", "minimum": 1, "maximum": most, "default": most}
    return Parameter("limit", "How many entries at most.", schema, example=most)


_BEGIN = _instant("begin", "First moment, included.", "2026-01-01T00:00:00+01:00")
_UNTIL = _instant("end", "Last moment; the reading that stands for it is in the file.", "2026-02-01T00:00:00+01:00")
_END = _instant("end", "Last moment, not included.", "2026-02-01T00:00:00+01:00")
_AFTER = Parameter(
    "after",
    "Record number of the last entry that was read; 0 for all.",
    {"type": "integer", "minimum": 0, "maximum": MAXIMUM_NUMBER, "default": 0},
    example=0,
)
_REGISTER = _name("register", "OBIS code as in the list of meters.", "1-0:1.8.0*255")
_RESOLUTION = Parameter(
    "resolution",
    "How long each part is, in legal time.",
    {"type": "string", "enum": [one.value for one in Resolution]},
    required=True,
    example=Resolution.DAY.value,
)
_FORM = Parameter(
    "form",
    "CSV and JSON of readings, XML of VDE AR 2418-6 and its tariff (of one contract), or a proof that needs no trust.",
    {"type": "string", "enum": [one.value for one in ExportForm]},
    required=True,
    example=ExportForm.CSV.value,
)
_CONTRACT = _name("contract", "Identifier of a contract, as in the list of contracts.", "house-taf2")

ROUTES: Final = (
    Route(
        "openapi",
        "GET",
        "/openapi.json",
        None,
        "This document",
        "The description of this interface, for people and programs; the only answer that needs no log-in.",
        "OpenApi",
    ),
    Route(
        "now",
        "GET",
        "/now",
        Role.CONSUMER,
        "What holds at this moment",
        "Power of each meter, and the energy of today, this month and this year against the same time before. "
        "`fed_in` is null where nothing of yours can feed in; what was not measured is null, never 0.",
        "Now",
    ),
    Route(
        "meters",
        "GET",
        "/meters",
        Role.CONSUMER,
        "Your meters",
        "Meters that measure you, with their registers; an empty list means that no contract names one.",
        "Meters",
    ),
    Route(
        "series",
        "GET",
        "/series",
        Role.CONSUMER,
        "History in columns",
        "Energy by quarter-hour, day, month or year in legal time (a day in spring has 92 quarter-hours, one in autumn "
        "100), at most 40,000 parts. Part `i` lasts from `bounds[i]` to `bounds[i + 1]` (UTC seconds); its energy is "
        "`energies[i] * 10**scaler`, null where it cannot be told. `doubtful` lists the parts that no bill may rest "
        "on. Answers have an ETag.",
        "Series",
        (
            _name("meter", "A meter, or left out for the sum of all.", "1ISK0012345678", required=False),
            _REGISTER,
            _RESOLUTION,
            _BEGIN,
            _END,
        ),
        refusals=("not-found", "too-much"),
    ),
    Route(
        "readings",
        "GET",
        "/readings",
        Role.CONSUMER,
        "Original readings",
        "Newest first, each with status word, inner signature and the verdict of its check. Where there are more, "
        "`next` is the `end` of the next page.",
        "Readings",
        (
            _name("meter", "A meter.", "1ISK0012345678"),
            _REGISTER,
            _BEGIN,
            _END,
            _limit(READINGS_PAGE),
        ),
        refusals=("not-found", "too-much"),
    ),
    Route(
        "contracts",
        "GET",
        "/contracts",
        Role.CONSUMER,
        "Contracts",
        "Every evaluation profile that concerns you: who gets what, how often, and for what.",
        "Contracts",
    ),
    Route(
        "billing_periods",
        "GET",
        "/contracts/{contract}/billing-periods",
        Role.CONSUMER,
        "Billing periods of a contract",
        "The running one and those before, newest first, with the amounts of each tariff stage and, by your own "
        "prices, their cost. Empty for a contract that the gateway does not tariff (anything but TAF-1 and TAF-2).",
        "BillingPeriods",
        (
            _name("contract", "Identifier of a contract.", "house-taf2", in_path=True),
            _limit(BILLED_PAGE),
        ),
        refusals=("not-found",),
    ),
    Route(
        "prices",
        "GET",
        "/prices",
        Role.CONSUMER,
        "Your prices",
        "What you entered; nobody else is told.",
        "PriceList",
    ),
    Route(
        "set_prices",
        "PUT",
        "/prices",
        Role.CONSUMER,
        "Enter prices",
        "Prices of a contract from `since` on; those of the same contract and moment are replaced.",
        "Prices",
        body="Prices",
        refusals=("not-found", "form-token"),
    ),
    Route(
        "remove_prices",
        "DELETE",
        "/prices",
        Role.CONSUMER,
        "Take prices back",
        "Removes the prices of a contract that begin at `since`; where there are none, nothing is found.",
        "",
        (_CONTRACT, _instant("since", "As in the list of prices.", "2026-01-01T00:00:00Z")),
        refusals=("not-found", "form-token"),
    ),
    Route(
        "transmissions",
        "GET",
        "/transmissions",
        Role.CONSUMER,
        "Who got which of your data",
        "Deliveries that concern you, newest first. Where there are more, `next` is the `before` of the next page.",
        "Transmissions",
        (
            _name("before", "`next` of the page before.", "WzE3NjcyMjIwMDAsICJjIiwgN10", required=False),
            _limit(TRANSMISSIONS_PAGE),
        ),
    ),
    Route(
        "log",
        "GET",
        "/log",
        Role.CONSUMER,
        "Your log",
        "Oldest first; reading it is an entry of its own. `next` is the `after` of the next page, `last` the number of "
        "the newest entry.",
        "Log",
        (_AFTER, _limit(LOG_PAGE)),
    ),
    Route(
        "log_integrity",
        "GET",
        "/log/integrity",
        Role.CONSUMER,
        "Whether your log is whole",
        "Checks the chain of hashes over every entry of your log.",
        "Integrity",
    ),
    Route(
        "status",
        "GET",
        "/status",
        Role.CONSUMER,
        "How the gateway is",
        "Version and hash of its program, state, time, what is wrong and since when.",
        "Status",
    ),
    Route(
        "self_test",
        "POST",
        "/self-test",
        Role.CONSUMER,
        "Have the gateway test itself",
        "Once in ten minutes; the result stands in your log, too.",
        "SelfTest",
        refusals=("too-soon", "form-token"),
    ),
    Route(
        "export",
        "GET",
        "/export",
        Role.CONSUMER,
        "Your data as a file",
        "A file; its name stands in Content-Disposition. One at a time is made for you.",
        "file",
        (_FORM, _BEGIN, _UNTIL, _name("contract", "For `xml` and `tariff`: which.", "house-taf2", required=False)),
        refusals=("not-found", "too-much", "too-soon"),
    ),
    Route(
        "technician_log",
        "GET",
        "/technician/log",
        Role.TECHNICIAN,
        "The system log, for a service technician",
        "Oldest first; `last` is the number of its newest entry.",
        "Log",
        (_AFTER, _limit(LOG_PAGE)),
    ),
    Route(
        "technician_status",
        "GET",
        "/technician/status",
        Role.TECHNICIAN,
        "How the gateway is, for a service technician",
        "As for a consumer.",
        "Status",
    ),
)
