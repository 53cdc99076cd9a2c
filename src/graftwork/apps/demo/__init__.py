"""The demo's data: `support_tickets.csv`, messages to a shop that does not exist.

Every message was written for this demo; shop, people and order numbers are invented.
"""
