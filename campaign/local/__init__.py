"""What the one-command stack is built from: PostgreSQL, a mail catcher and a supervisor. Linux only."""
