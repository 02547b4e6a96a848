#include "initiator_sim/pdu/match.h"
