"""How pushpull softroce fails: each error says what to do, and has an exit status of its own."""

TIME_LIMIT = 124  # the command, or the boot, took too long
DIED = 125  # the guest couldn't boot, or died under the command
USAGE = 2
SKIPPED = 77  # neither a device here nor a guest: nothing was run


class Failure(Exception):
  """Ends the run with `status`; the text says why and what to do."""

  def __init__(self, status, text):
    super().__init__(text)
    self.status = status


class Unavailable(Failure):
  """Soft-RoCE can't be had on this machine: a skip, or a failure with --require-guest."""

  def __init__(self, text):
    super().__init__(SKIPPED, text)
