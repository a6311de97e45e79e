"""A cluster of one's own starts, keeps what was committed through a crash, listens on no network, and is gone after."""

import pytest

from datacenter import database
from testbed import postgres

pytestmark = pytest.mark.peer


def test_a_private_cluster() -> None:
    if postgres.programs_folder() is None:
        pytest.skip("PostgreSQL's server is not installed (apt: postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra [postgres])")
    with postgres.cluster() as cluster:
        engine = database.engine(cluster.create_database("one"))
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SHOW listen_addresses").scalar() == ""
            assert connection.exec_driver_sql("SHOW fsync").scalar() == "on"
            connection.exec_driver_sql("CREATE TABLE kept AS SELECT 1")
        with engine.connect() as connection:
            for _ in range(100):  # the kernel counts in hundredths of a second
                if cluster.processor_seconds() > 0:
                    break
                connection.exec_driver_sql("SELECT count(*) FROM generate_series(1, 100000)")
        assert cluster.processor_seconds() > 0
        cluster.stop()
        cluster.start()
        engine.dispose()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT * FROM kept").scalar() == 1
        engine.dispose()
    assert not cluster.folder.exists()
