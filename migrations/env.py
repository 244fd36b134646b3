"""Alembic's environment: migrates the connection it is handed (paas/model/migrate.py), else the settings' database.

Migrations go forward and have no `downgrade`: the way back is the snapshot that was taken before.
"""

from alembic import context

import paas.model
from paas.settings import read_settings


def run(connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=paas.model.Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    run(handed)
else:
    database = paas.model.Database(read_settings().url)
    with database.engine.connect() as own, own.execution_options(paas_writes=True).begin():
        run(own)
