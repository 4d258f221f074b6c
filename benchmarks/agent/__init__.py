"""What an agent costs the bot that embeds it."""
