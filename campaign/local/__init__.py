"""The one-command stack's ground: PostgreSQL, a mail catcher and a supervisor. Linux only."""
