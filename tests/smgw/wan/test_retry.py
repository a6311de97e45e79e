from smgw.wan import retry


def test_back_off_grows_is_jittered_and_ends_at_its_cap() -> None:
    for failures in (1, 2, 3, 8, 9, 100, 10**9):
        low, high = retry.delay(failures, lambda: 0.0), retry.delay(failures, lambda: 0.999)
        assert low < high <= retry.DELAY_CAP
        assert low >= min(retry.DELAY_CAP, retry.FIRST_DELAY * 2 ** min(failures - 1, 20)) / 2
