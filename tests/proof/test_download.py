from proof.download import NAME, page


def test_it_is_the_whole_page() -> None:
    assert page().startswith(b"<!doctype html>")
    assert page().endswith(b"</html>\n")
    assert NAME.endswith(".html")
