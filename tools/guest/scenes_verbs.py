"""The tests of RDMA over real devices."""

import os
import subprocess

from tools.peers import harness


def transports(_):
  """What each session of the corpus comes to over the device and over TCP."""
  subprocess.run([harness.data_file('tools/suites/transports_verbs')],
                 cwd=harness.data_file('.'), check=True)


def rdma_verbs(_):
  address = os.environ['PUSHPULL_RDMA_ADDRESS']
  # Its words go to the log as they come: where it hangs, they tell where.
  subprocess.run([harness.data_file('fabric/rdma/rdma_verbs_test'), f'--rdma_address={address}'],
                 check=True)
