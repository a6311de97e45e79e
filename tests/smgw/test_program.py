from pathlib import Path

from smgw.program import PACKAGES, program_hash, version


def installed(folder: Path) -> Path:
    for package in PACKAGES:
        (folder / package / "inner").mkdir(parents=True)
        (folder / package / "__init__.py").write_text("a = 1\n")
        (folder / package / "inner" / "data.toml").write_text(package)
    return folder


def test_every_file_counts_with_its_name_and_its_bounds(tmp_path: Path) -> None:
    folder = installed(tmp_path)
    hashes = [program_hash(folder)]
    assert program_hash(folder) == hashes[0]
    (folder / "smgw" / "__pycache__").mkdir()
    (folder / "smgw" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    (folder / "testbed").mkdir()
    (folder / "testbed" / "other.py").write_text("not of the gateway")
    assert program_hash(folder) == hashes[0]
    (folder / "smgw" / "__init__.py").write_text("a = 2\n")
    hashes.append(program_hash(folder))
    (folder / "pki" / "inner" / "data.toml").rename(folder / "pki" / "inner" / "dat.toml")
    hashes.append(program_hash(folder))
    (folder / "wire" / "a.py").write_text("one")
    (folder / "wire" / "b.py").write_text("two")
    hashes.append(program_hash(folder))
    (folder / "wire" / "a.py").write_text("onetw")
    (folder / "wire" / "b.py").write_text("o")
    hashes.append(program_hash(folder))
    assert len(set(hashes)) == len(hashes)


def test_this_very_program() -> None:
    assert len(program_hash()) == 64
    assert version()
