"""Every shape is closed, and asks for what it has."""

import json

import jsonschema_rs
import pytest

from han_web.api.routes import PREFIX, ROUTES, Route
from han_web.api.schemas import SCHEMAS
from smgw.logs.readers import Role
from tests.han_web.place import BASE, Place
from tests.smgw.han.house import FIRST, IMPORT

OPEN = {"OpenApi"}
DAY = "begin=2026-10-25T00:00:00%2B02:00&end=2026-10-26T00:00:00%2B01:00"
FULL = {
    "series": f"/series?register={IMPORT}&resolution=quarter-hour&{DAY}",
    "readings": f"/readings?meter={FIRST}&register={IMPORT}&{DAY}",
    "billing_periods": "/contracts/house-stages/billing-periods",
}
"""Questions whose answers are not empty."""


def test_every_shape_is_closed() -> None:
    for name, schema in SCHEMAS.items():
        if name in OPEN:
            continue
        assert schema["additionalProperties"] is False
        assert schema["description"]
        if name != "Problem":
            assert schema["required"] == list(schema["properties"])  # type: ignore[call-overload]


@pytest.mark.parametrize("route", [one for one in ROUTES if one.answer not in {"", "file"}], ids=lambda one: one.name)
def test_a_full_answer_has_the_shape_that_is_described(place: Place, route: Route) -> None:
    headers = place.session("service" if route.role is Role.TECHNICIAN else "house")
    body = {"contract": "house-sum", "since": "2026-01-01T00:00:00Z", "base_per_month": 0, "per_kilowatt_hour": []}
    response = place.client.open(
        PREFIX + FULL.get(route.name, route.path),
        method=route.method,
        base_url=BASE,
        headers=headers,
        json=body if route.body else None,
    )
    assert response.status_code == 200
    schema = {"$ref": f"#/components/schemas/{route.answer}", "components": {"schemas": SCHEMAS}}
    jsonschema_rs.validator_for(schema).validate(json.loads(response.data))
