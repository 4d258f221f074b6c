"""Who may do what over HTTP: tokens in a file, sessions of browsers, and scopes."""
