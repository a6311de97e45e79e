import pytest

pytest.register_assert_rewrite(
    *(f"tests.e2e.{name}" for name in ("person", "scenes_door", "scenes_look", "scenes_pages"))
)
