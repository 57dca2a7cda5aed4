"""Answers that say no."""


class Refusal(Exception):
    """An error with a Kubernetes status; a violation is a request that no driver may send."""

    def __init__(self, status, reason, message, violation=False):
        super().__init__(status, reason, message)
        self.status = status
        self.reason = reason
        self.message = message
        self.violation = violation


def not_found(plural, name):
    return Refusal(404, 'NotFound', f'{plural} "{name}" not found')


def conflict(plural, name, why='the object has been modified; please apply your changes to the latest version'):
    return Refusal(409, 'Conflict', f'Operation cannot be fulfilled on {plural} "{name}": {why}')
