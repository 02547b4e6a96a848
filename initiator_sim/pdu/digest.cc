#include "initiator_sim/pdu/digest.h"
