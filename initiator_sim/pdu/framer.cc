#include "initiator_sim/pdu/framer.h"
