#include "initiator_sim/pdu/data.h"
