from dataclasses import replace
from pathlib import Path

import pytest

from proof.log_export import verify_export
from smgw.logs.errors import IntegrityReason, LogIntegrityError
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import ANNA, BERT, CALIBRATION, SYSTEM, Archive


def test_an_export_comes_out_of_one_view_and_needs_a_checkpoint(tmp_path: Path) -> None:
    """FAU_SAR.1/CAL, FAU_SAR.1/SYS: what was asked for, and nothing that was never written."""
    archive = Archive(SmallPki(), tmp_path)
    archive.days(2)
    with pytest.raises(LogIntegrityError) as refusal:
        archive.export()
    assert refusal.value.reason is IntegrityReason.CHECKPOINT
    archive.seal()
    archive.days(1)
    with pytest.raises(LogIntegrityError, match="does not speak of this consumer log"):
        archive.export([CALIBRATION, (ANNA[0], "carl")])
    export = archive.export([CALIBRATION, ANNA])
    assert [(log.state.log, log.state.owner) for log in export.logs] == [CALIBRATION, ANNA]
    unsigned = [one.unsigned for one in verify_export(export, archive.trust.roots).logs]
    assert unsigned == [1, 1]
    assert BERT not in [(log.state.log, log.state.owner) for log in archive.export([SYSTEM, BERT]).logs[:1]]
    archive.close()


def test_an_empty_log_is_proven_too(tmp_path: Path) -> None:
    """FAU_SAR.1/CAL: that nothing happened yet is said by a signature, and whoever empties a log cannot say it."""
    archive = Archive(SmallPki(), tmp_path)
    archive.seal()
    empty = archive.export()
    assert [(one.first, one.last) for one in verify_export(empty, archive.trust.roots).logs] == [(1, 0), (1, 0)]
    archive.days(1)
    archive.seal()
    full = archive.export()
    emptied = replace(full, logs=tuple(replace(log, entries=()) for log in full.logs))
    with pytest.raises(LogIntegrityError, match="missing"):
        verify_export(emptied, archive.trust.roots)
    archive.close()
