"""The command line: one file a command, each loaded only when it is asked for.

It must never decide about a login: commands read arguments, call a room below and print.
"""
