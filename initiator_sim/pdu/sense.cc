#include "initiator_sim/pdu/scsi.h"
