"""Alembic's entry: runs migrations on the engine that `store.engine` hands over."""

from alembic import context

from store.tables import metadata

engine = context.config.attributes["engine"]
# One transaction for all migrations: whoever is killed in between begins anew.
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.run_migrations()
    connection.commit()
