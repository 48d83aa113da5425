"""E-mail: queued in the transaction that causes it, composed and sent by the worker."""
