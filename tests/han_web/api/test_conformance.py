"""Schemathesis asks whatever the description allows, and much that it does not: every answer is one that it describes.

Few examples, always the same: what they cost is a few seconds.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from han_web import auth
from han_web.api.routes import PREFIX, ROUTES, Route
from smgw.logs.readers import Role
from tests.han_web.place import BASE, Place, furnished

CHECKS = [
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
EXAMPLES = 4


ASKED = [(route, GenerationMode.POSITIVE) for route in ROUTES]
# In a question without parameters there is nothing to be wrong.
ASKED += [(route, GenerationMode.NEGATIVE) for route in ROUTES if route.parameters or route.body]


@pytest.fixture(scope="module")
def schema(place: Place) -> BaseSchema:
    return schemathesis.openapi.from_wsgi(f"{PREFIX}/openapi.json", furnished(place.house).app)


@pytest.mark.parametrize(("route", "mode"), ASKED, ids=lambda one: one.name)
def test_every_answer_is_one_that_is_described(
    place: Place, schema: BaseSchema, route: Route, mode: GenerationMode
) -> None:
    # Who asks too often is told so, and that is another answer.
    auth.keep_pace(schema.app)
    operation = schema[PREFIX + route.path][route.method]
    headers = place.session("service" if route.role is Role.TECHNICIAN else "house")
    # In-process nothing takes an answer apart again.
    headers["Accept-Encoding"] = "identity"
    strategy = operation.as_strategy(generation_mode=mode)
    limits = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @limits
    @given(case=strategy)
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(base_url=BASE, headers=headers, checks=CHECKS)

    ask()
