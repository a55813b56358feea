"""The inbox: what was received and waits for the pipelines."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make `inbox_deliveries`."""
    op.create_table(
        "inbox_deliveries",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_deliveries"),
        sa.UniqueConstraint("kind", "content_hash", name="uq_inbox_deliveries__kind_content_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_inbox_deliveries__received_at", "inbox_deliveries", ["received_at"], unique=False
    )


def downgrade() -> None:
    """Drop it with what it holds."""
    op.drop_table("inbox_deliveries")
