"""Every format has one error of its own, and all of them are one family."""

import inspect

from wire import errors


def test_the_family_is_flat_and_explained() -> None:
    family = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)}
    children = [kind for kind in family.values() if kind is not errors.WireError]
    assert all(kind.__bases__ == (errors.WireError,) for kind in children)
    assert all(name.endswith("Error") and kind.__doc__ for name, kind in family.items())
    assert issubclass(errors.WireError, ValueError)
