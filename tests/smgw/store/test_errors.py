from smgw.store.errors import ConflictError, StoreError, StoreFullError, StoreReason


def test_every_error_has_one_base_and_a_reason() -> None:
    for error, reason in (
        (StoreError(StoreReason.BUSY, "x"), StoreReason.BUSY),
        (StoreFullError("x"), StoreReason.FULL),
        (ConflictError("x"), StoreReason.CONFLICT),
    ):
        assert isinstance(error, StoreError)
        assert error.reason is reason
        assert str(error) == f"{reason}: x"
