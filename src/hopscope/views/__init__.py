"""Front ends over a session's snapshots: report printers and the Textual screen."""
