#include "initiator_sim/pdu/text.h"
