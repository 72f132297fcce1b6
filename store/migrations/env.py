"""Alembic's entry: runs migrations on the engine that `store.engine` hands over."""

from alembic import context

from store.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.run_migrations()
    connection.commit()
