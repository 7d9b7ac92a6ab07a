"""stub"""
def add_commands(commands) -> None:
    pass
