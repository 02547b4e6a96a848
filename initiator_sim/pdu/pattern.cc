#include "initiator_sim/pdu/pattern.h"
