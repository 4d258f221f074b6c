"""The routes: each translates a request into one call, and what came of it into an answer."""
